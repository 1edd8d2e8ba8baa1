// The client as a process of its own, so that it can be given a core: takes its orders as JSON, prints its account as JSON.
import { load } from './load.mjs';

console.log(JSON.stringify(await load(JSON.parse(process.argv[2]))));
