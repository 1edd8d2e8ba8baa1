// The cheapest handler, and what each of its requests costs in this process.
import { createServer } from 'node:http';
import { count, takeWindows } from './windows.mjs';

createServer((request, response) => {
  if (request.url === '/windows') return response.end(JSON.stringify(takeWindows()));
  count();
  response.end('ok\n');
}).listen(Number(process.env.PORT));
