// Answers, and puts as many different errors into the book as it is asked to.
import { createServer } from 'node:http';
import { report } from 'cordon/worker';

createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://localhost');
  if (pathname === '/report')
    for (let kind = Number(searchParams.get('from')); kind < Number(searchParams.get('to')); kind++)
      report(Object.assign(new TypeError(`kind ${kind} of what may be wrong`), { fingerprint: `kind ${kind}` }));
  response.end('ok\n');
}).listen(Number(process.env.PORT));
