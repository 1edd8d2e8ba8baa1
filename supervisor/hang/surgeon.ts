// A process of its own that opens one stuck worker, says what it finds, and ends. The inspector's client and source maps stay out of
// the supervisor, and whatever goes wrong in here harms nobody.

import { Inspector } from './inspector.js';
import { free, look, release } from './open.js';
import type { Finding, Orders } from './protocol.js';

const say = (finding: Finding): Promise<void> =>
  new Promise((done) => {
    if (process.send) process.send(finding, undefined, undefined, () => done());
    else done();
  });

process.once('message', (orders) => void operate(orders as Orders));

async function operate({ url, onHang, hangMs }: Orders): Promise<void> {
  try {
    const inspector = await Inspector.open(url);
    const { frames, request, silentMs, doomed, refuse } = await look(inspector);
    if (silentMs !== undefined && silentMs < hangMs / 2) {
      await release(inspector);
      await say({ type: 'awake' });
    } else {
      await say({ type: 'stack', frames, request });
      if (onHang === 'report') await release(inspector);
      else if (doomed || onHang === 'kill') {
        await refuse();
        // It stays stopped, and is killed: nothing of the program's runs after its clients were told.
        await say({ type: 'doomed' });
        await new Promise((resolve) => setTimeout(resolve, hangMs));
      } else {
        // Said first, or the worker's own word that it is back may come before it.
        await say({ type: 'terminated' });
        await free(inspector);
      }
    }
    inspector.close();
  } catch (error) {
    await say({ type: 'failed', why: (error as Error).message });
  }
  process.disconnect();
}
