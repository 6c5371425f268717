// The WebSocket that Node brings along (its own copy of undici) as a client. Node 20 has it behind a flag.
import { runStandard, serveJobs } from './jobs.mjs';

await serveJobs({ peer: 'Node', version: `${process.versions.node} (undici ${process.versions.undici})` },
  (job) => runStandard(WebSocket, job, {
    why: (event) => event.error?.cause?.message ?? event.error?.message ?? event.message,
  }));
