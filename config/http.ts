// Node's HTTP. To import `node:http` means to read all that it exports, and from Node 22 on its `WebSocket` brings another HTTP
// client along: 12 MB in the supervisor, and in each worker whose program does not import it itself. So it is never imported here.
export const { Agent, METHODS, STATUS_CODES, Server, ServerResponse, createServer, get, request } =
  process.getBuiltinModule('node:http');
