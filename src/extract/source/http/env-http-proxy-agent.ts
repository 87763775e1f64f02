/**
 * undici's agent that finds its proxies in the environment, without the rest of undici.
 *
 * undici's index also evaluates fetch, WebSocket, caches and mocks, which takes longer than all else that a populator loads, and every
 * populator pod starts by it. The package has no `exports` that would forbid the paths; where they move, this file is not built.
 */
import connect from 'undici/lib/api/api-connect.js';
import Dispatcher from 'undici/lib/dispatcher/dispatcher.js';
import EnvHttpProxyAgent from 'undici/lib/dispatcher/env-http-proxy-agent.js';

// As the index does: agents for proxies call `connect` on the dispatchers below them.
Object.assign(Dispatcher.prototype, { connect });

export { EnvHttpProxyAgent };
