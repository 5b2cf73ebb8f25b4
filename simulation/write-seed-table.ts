import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { newSeedTable } from "./seed-table.js";

// `npm run seeds`: writes tests/seeds.json anew, after a change that changes histories.
const root = fileURLToPath(new URL("../../", import.meta.url));
const file = join(root, "tests", "seeds.json");
const table = await newSeedTable(root);
writeFileSync(file, `${JSON.stringify(table, undefined, 2)}\n`);
process.stdout.write(`Written to ${file}\n`);
