/** make deploy, make undeploy. */
import { install, uninstall } from './install.ts';
import { exportLines, targetCluster } from './target-cluster.ts';

const say = (line: string) => console.log(line);

try {
  const target = await targetCluster(say);
  if (process.argv[2] === 'down') await uninstall(target, say);
  else await install(target, say);
  for (const line of exportLines(target)) say(line);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
