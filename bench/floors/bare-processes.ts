import { spawn } from "node:child_process";

// The least that a cold start can be: one Node.js process that starts five others, each of which says that it runs.

const PROCESSES = 5;

await Promise.all(
  Array.from(
    { length: PROCESSES },
    () =>
      new Promise<void>((resolve, reject) => {
        const child = spawn(process.execPath, ["-e", "process.stdout.write('.')"], {
          stdio: ["ignore", "pipe", "ignore"],
        });
        child.stdout.once("data", () => resolve());
        child.once("error", reject);
      }),
  ),
);
