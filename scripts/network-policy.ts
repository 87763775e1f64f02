/** deploy/components/cross-namespace/network-policy.yaml, from the table that populators are held to as well. */
import { type SpecialRange, specialIPv4, specialIPv6 } from '../src/api/special-addresses.ts';

/** IPv4-mapped addresses are on no wire: the kernel sends IPv4 for them. */
export function networkPolicy(): string {
  return `# Generated from src/api/special-addresses.ts by "make generate"; do not edit.
#
# Populator pods here follow addresses that the owners of sources wrote: they reach the outside and nothing inside. Volprime's own populators refuse
# the same addresses themselves; this policy holds for every image. Where a source must be reached inside of the cluster or of your network, add a
# NetworkPolicy of your own that allows it (policies add up), and allowedAddresses in the settings of populator pods: docs/cross-namespace.md.
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: volprime-populators
  namespace: volprime-populators
  labels:
    app.kubernetes.io/name: volprime
spec:
  podSelector: {}
  policyTypes: [Ingress, Egress]
  ingress: []
  egress:
    - to:
        - namespaceSelector:
            matchLabels:
              kubernetes.io/metadata.name: kube-system
          podSelector:
            matchLabels:
              k8s-app: kube-dns
      ports:
        - { protocol: UDP, port: 53 }
        - { protocol: TCP, port: 53 }
    - to:
        - ipBlock:
            cidr: 0.0.0.0/0
            except:
${lines(specialIPv4)}
        - ipBlock:
            cidr: ::/0
            except:
${lines(specialIPv6)}
`;
}

function lines(ranges: readonly SpecialRange[]): string {
  return ranges
    .map(({ cidr, what, source }) => `              - "${cidr}" # ${what.replace(/^an? /, '')}: ${source}`)
    .join('\n');
}
