// As in a container: process 1 of its own namespace, nobody's user, a root that is read-only, no shell.
import { APP, boot, boxed, NODE } from '../support/box.js';

boxed('as process 1 and nobody on a read-only root, the fleet serves and a SIGTERM ends it with 0', async (t) => {
  const box = await boot(t, {});
  const program = `${APP}/test/fixtures/process/busy.mjs`;
  const drop = 'setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs --bounding-set=-all';
  const container = `unshare --pid --fork --mount-proc ${drop} ${NODE} ${APP}/dist/cli/main.js start ${program} -w 2`;
  const { stdout } = await box.run(
    'sh',
    '-c',
    `cd ${APP}; export PORT=8080 HOME=/nonexistent
    ${container} & outside=$!
    until ss -ltn | grep -q :8080; do sleep 0.05; done
    ${NODE} -e 'fetch("http://127.0.0.1:8080/ok").then(async (r) => console.log("answer", r.status, await r.text()))'
    kill -TERM $(cat /proc/$outside/task/$outside/children)
    wait $outside; echo "exit code $?"`,
  );
  t.regex(stdout, /^answer 200 ok$/m);
  t.regex(stdout, /\bpid 1\)/);
  t.regex(stdout, /stopped: no worker is left/);
  t.regex(stdout, /^exit code 0$/m);
});
