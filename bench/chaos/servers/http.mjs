// Plain node:http with WebSockets. It knows nothing of cordon.
import http from 'node:http';
import { WebSocketServer } from 'ws';
import { echo, handle, KEPT_MS } from './routes.mjs';

const server = http.createServer({ keepAliveTimeout: KEPT_MS }, handle);
new WebSocketServer({ server, path: '/ws' }).on('connection', echo);
server.listen(Number(process.env.PORT), '127.0.0.1');
