// The same handler in a node:domain for each request, as Node's documentation of it shows.
import domain from 'node:domain';
import { createServer } from 'node:http';
import { count, takeWindows } from './windows.mjs';

createServer((request, response) => {
  if (request.url === '/windows') return response.end(JSON.stringify(takeWindows()));
  count();
  const d = domain.create();
  d.on('error', () => response.writeHead(500).end());
  d.add(request);
  d.add(response);
  d.run(() => response.end('ok\n'));
}).listen(Number(process.env.PORT));
