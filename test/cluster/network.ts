import { clusterName, insideNetwork, nodeAddress, serviceRange } from './cluster.ts';
import { run } from './command.ts';

const bridge = 'node0';

/** One network namespace holds the whole cluster: nothing leaks out of it, and the host's rules stay as they are. */
export async function createNetwork(): Promise<void> {
  await run(['ip', 'netns', 'add', clusterName]);
  const inside = [
    'ip link set lo up',
    `ip link add ${bridge} type bridge`,
    `ip address add ${nodeAddress}/24 dev ${bridge}`,
    `ip link set ${bridge} up`,
    // Only Service addresses have a route, so that everything else, a registry's name server included, fails at once and does not hang.
    `ip route add ${serviceRange} dev ${bridge}`,
    'echo 1 > /proc/sys/net/ipv4/ip_forward',
    // While kube-proxy rewrites its table, a packet to a Service may leave untranslated. A real network loses it and TCP sends it again;
    // here nobody has the address, and the client would hear "no route to host".
    `iptables -A FORWARD -d ${serviceRange} -j DROP`,
  ];
  await run([...insideNetwork, 'sh', '-ec', inside.join('\n')]);
}

export async function removeNetwork(): Promise<void> {
  const existing = await run(['ip', 'netns', 'list']);
  if (existing.split('\n').some((line) => line.split(' ')[0] === clusterName)) {
    await run(['ip', 'netns', 'delete', clusterName]);
  }
}
