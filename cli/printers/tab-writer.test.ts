import { expect, test } from "@jest/globals";
import { alignTabs } from "./tab-writer.js";

test("columns are as wide as their widest cell in neighbouring lines, two blanks apart", () => {
  expect(alignTabs("Name:\tweb\nNamespace:\tdefault\nLabels:\t<none>\n")).toBe(
    "Name:       web\nNamespace:  default\nLabels:     <none>\n",
  );
});

test("a line without tabs ends a column, and indented blocks align by themselves", () => {
  expect(
    alignTabs("A:\t1\nConditions:\n  Type\tStatus\n  ----\t------\n  Ready\tTrue\nEvents:\t<none>\n"),
  ).toBe("A:  1\nConditions:\n  Type   Status\n  ----   ------\n  Ready  True\nEvents:  <none>\n");
});
