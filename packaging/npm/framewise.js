#!/usr/bin/env node
// Starts the command from the package of this platform, which is an optional dependency.
const { spawn } = require("node:child_process");
const { platform, arch } = process;
const name = `framewise-${platform}-${arch}`;

let program;
try {
  program = require.resolve(`${name}/framewise${platform === "win32" ? ".exe" : ""}`);
} catch {
  console.error(`framewise: the package ${name} is not installed; without it: cargo install framewise-cli`);
  process.exit(1);
}
const child = spawn(program, process.argv.slice(2), { stdio: "inherit" });
// A terminal sends Ctrl-C to both: the command decides when it ends.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => child.kill("SIGTERM"));
child.on("error", (error) => {
  console.error(`framewise: ${program}: ${error.message}`);
  process.exit(1);
});
child.on("exit", (code, signal) => {
  if (signal) {
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  } else {
    process.exit(code);
  }
});
