/**
 * undici's agent that finds its proxies in the environment, without the rest of undici.
 *
 * undici's index also evaluates fetch, WebSocket, caches and mocks, which takes longer than all else that a populator loads, and every
 * populator pod starts by it. The package has no `exports` that would forbid the path; where it moves, the build of this file fails.
 */
export { default as EnvHttpProxyAgent } from 'undici/lib/dispatcher/env-http-proxy-agent.js';
