import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { readOwner, writeOwner } from "./owner.js";

const owner = { pid: 42, address: "https://127.0.0.1:6443" };
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "kubesim-owner-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

test("the owner of a database can be read back", () => {
  writeOwner(join(folder, "db"), owner);

  expect(readOwner(join(folder, "db"))).toEqual(owner);
});

test("a database can be opened although its owner cannot be noted, as on a full disk", () => {
  mkdirSync(join(folder, "db.owner"));

  expect(() => writeOwner(join(folder, "db"), owner)).not.toThrow();
  expect(readOwner(join(folder, "db"))).toBeUndefined();
  expect(readdirSync(folder)).toEqual(["db.owner"]);
});
