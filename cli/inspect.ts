// `cordon inspect`: a worker's inspector, open for as long as this command runs, and closed again when it ends, however it does.
import type { Command } from 'commander';
import { ExitCode, OperatorError } from '../config/exit-code.js';
import type { InspectLine } from '../supervisor/control/protocol.js';
import { lines } from './client.js';
import { find, theWorker } from './find.js';

export const define = (command: Command): void =>
  void command
    .description(
      "Opens a worker's inspector on a loopback port and prints its URL. It is closed again when this command ends (Ctrl-C), at most an hour later. A worker that stands at a breakpoint keeps its clients waiting. While it is open, whoever can reach the port from this machine can run code in the worker.",
    )
    .argument('<worker...>', 'the id of a worker, such as 3, or api 3 where several fleets run')
    .option('--json', 'print what happens as JSON Lines')
    .addHelpText('after', '\nExamples:\n  $ cordon inspect 3\n  $ cordon inspect api 3 --json')
    .action(async (words: readonly string[], { json = false }: { readonly json?: boolean }) => {
      const worker = theWorker(words);
      const supervisor = await find(worker.name);
      const leave = new AbortController();
      process.once('SIGINT', () => leave.abort()).once('SIGTERM', () => leave.abort());
      const ask = { method: 'POST', signal: leave.signal, patienceMs: 15_000 } as const;
      let why = `${supervisor.name} is gone`;
      try {
        for await (const text of lines(supervisor, `/v1/workers/${worker.id}/inspect`, ask)) {
          const line = JSON.parse(text) as InspectLine;
          if (json) process.stdout.write(`${text}\n`);
          else if (line.type === 'open') process.stdout.write(opened(line, worker.id));
          if (line.type === 'closed') why = line.why;
        }
      } catch (error) {
        if (!leave.signal.aborted) throw error;
      }
      if (leave.signal.aborted)
        return void process.stderr.write(`cordon: the inspector of worker ${worker.id} is closed again\n`);
      throw new OperatorError(`the inspector of worker ${worker.id} is closed: ${why}.`, ExitCode.failed);
    });

const opened = ({ url, devtools }: Extract<InspectLine, { type: 'open' }>, id: number): string =>
  `worker ${id} can be inspected at\n  ${url}\nin Chrome at\n  ${devtools}\nor by way of chrome://inspect. Ctrl-C closes it.\n`;
