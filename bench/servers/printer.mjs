// Prints RATE lines a second for SECONDS, at a steady pace, each with its number: text, or as a logger writes JSON. Then it serves on.
import { createServer } from 'node:http';

const rate = Number(process.env.RATE);
const total = rate * Number(process.env.SECONDS);
const json = process.env.KIND === 'json';
const rest = 'GET /items/4711 200 from a client that is somewhere, in 12 ms';
const line = json
  ? (n) => `{"level":30,"time":${Date.now()},"pid":${process.pid},"hostname":"here","n":${n},"msg":"${rest}"}\n`
  : (n) => `n=${n} ${rest}\n`;

createServer((_request, response) => response.end('ok')).listen(0, () => {
  const begun = performance.now();
  let printed = 0;
  const timer = setInterval(() => {
    const due = Math.min(total, Math.floor(((performance.now() - begun) / 1000) * rate));
    for (let text = ''; printed < due; text = '') {
      for (let i = 0; i < 200 && printed < due; i++) text += line(++printed);
      process.stdout.write(text);
    }
    if (printed < total) return;
    clearInterval(timer);
    console.log(`all printed after ${Math.round(performance.now() - begun)} ms`);
  }, 2);
});
