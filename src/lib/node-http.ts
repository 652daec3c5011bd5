// A module of Node's that is imported by name has each of its exports read, and node:http has one that loads the
// whole of fetch and WebSockets (`http.WebSocket`, lib/http.js): about 90 ms of every start. Taken as an object it is
// read only where it is used.
const http = process.getBuiltinModule('node:http');

/** `node:http` without the cost of importing it by name. Types come from `node:http` itself. */
export const { createServer, get } = http;
