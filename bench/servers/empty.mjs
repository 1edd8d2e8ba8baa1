// The cheapest handler there is: whatever a request costs beyond it, somebody added.
import { createServer } from 'node:http';

createServer((_request, response) => response.end('ok\n')).listen(Number(process.env.PORT));
