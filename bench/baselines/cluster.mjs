// node:cluster as most write it: the default policy, and a new worker for each that exits. `WORKERS` of `SCRIPT`.
import cluster from 'node:cluster';

if (cluster.isPrimary) {
  for (let i = 0; i < Number(process.env.WORKERS); i++) cluster.fork();
  let stopping = false;
  cluster.on('exit', () => stopping || cluster.fork());
  process.once('SIGTERM', () => {
    stopping = true;
    for (const worker of Object.values(cluster.workers)) worker.process.kill();
    cluster.disconnect(() => process.exit(0));
  });
} else {
  await import(process.env.SCRIPT);
}
