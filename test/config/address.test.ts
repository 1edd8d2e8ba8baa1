import test from 'ava';
import { listenAddress, misaddressed } from '../../config/address.js';

const addresses = {
  '3000': { host: undefined, port: 3000 },
  ':3000': { host: undefined, port: 3000 },
  '0.0.0.0:80': { host: '0.0.0.0', port: 80 },
  'localhost:0': { host: 'localhost', port: 0 },
  'db-1.example.org:65535': { host: 'db-1.example.org', port: 65_535 },
  '[::1]:3000': { host: '::1', port: 3000 },
  '[::]:3000': { host: '::', port: 3000 },
  'unix:/run/api.sock': { path: '/run/api.sock' },
  'unix:api.sock': { path: 'api.sock' },
  '/run/api.sock': { path: '/run/api.sock' },
  './api.sock': { path: './api.sock' },
};

for (const [text, address] of Object.entries(addresses)) {
  test(`${text} is an address to listen on`, (t) => {
    t.is(misaddressed(text), undefined);
    t.deepEqual(listenAddress(text), address);
  });
}

const wrong = {
  '70000': /^a port from 0 to 65535/,
  'localhost:70000': /^a port from 0 to 65535/,
  '::1': /^an IPv6 address in brackets/,
  '[localhost]:80': /^an IPv6 address inside the brackets/,
  '999.1.1.1:80': /^an IPv4 address/,
  'http://localhost:3000': /^"host:port"/,
  localhost: /^"host:port"/,
  '': /^"host:port"/,
  'unix:': /^a path/,
  [`/${'x'.repeat(107)}`]: /^a unix path of at most 107 bytes/,
};

for (const [text, expected] of Object.entries(wrong)) {
  test(`'${text}' is refused, and told what it should be`, (t) => {
    t.regex(misaddressed(text) ?? '', expected);
  });
}
