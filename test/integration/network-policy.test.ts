/** The egress policy of the populator namespace as the API server takes it: every range of the table, IPv6 among them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { parse } from 'yaml';
import type { KubeObject, NewObject } from '../../src/api/objects.ts';
import type { Resource } from '../../src/api/resources.ts';
import { specialIPv4, specialIPv6 } from '../../src/api/special-addresses.ts';
import type { Connection } from '../../src/kube/index.ts';
import { clientOf, controlPlane, newNamespace, removeAll } from './control-plane.ts';

jest.setTimeout(60_000);

const networkPolicies: Resource<KubeObject & { readonly spec: object }> = {
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'NetworkPolicy',
  plural: 'networkpolicies',
  namespaced: true,
};
const file = join(import.meta.dirname, '../../deploy/components/cross-namespace/network-policy.yaml');

let client: Connection;
beforeAll(async () => {
  client = clientOf(await controlPlane());
});
afterAll(async () => {
  await removeAll(client);
  await client.close();
});

test('the policy excludes what populators refuse', async () => {
  const namespace = await newNamespace(client);
  const policy: NewObject = parse(readFileSync(file, 'utf8'));
  const outcome = await client.create(networkPolicies, { ...policy, metadata: { ...policy.metadata, namespace } });
  expect(outcome).toMatchObject({
    type: 'done',
    object: {
      spec: {
        egress: [
          { ports: [{ port: 53 }, { port: 53 }] },
          {
            to: [
              { ipBlock: { cidr: '0.0.0.0/0', except: specialIPv4.map(({ cidr }) => cidr) } },
              { ipBlock: { cidr: '::/0', except: specialIPv6.map(({ cidr }) => cidr) } },
            ],
          },
        ],
      },
    },
  });
});
