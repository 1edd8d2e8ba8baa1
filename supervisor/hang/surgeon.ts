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

async function operate({ url, free: freeing }: Orders): Promise<void> {
  try {
    const inspector = await Inspector.open(url);
    await say({ type: 'stack', ...(await look(inspector)) });
    if (freeing) {
      await free(inspector);
      await say({ type: 'terminated' });
    } else await release(inspector);
    inspector.close();
  } catch (error) {
    await say({ type: 'failed', why: (error as Error).message });
  }
  process.disconnect();
}
