/** `--controllers`: a name turns one on, `-name` off, `*` all (the default). The first that speaks of it counts. */
export function isSelected(name: string, choices: readonly string[] = ["*"]): boolean {
  for (const choice of choices) {
    if (choice === name) return true;
    if (choice === `-${name}`) return false;
  }
  return choices.includes("*");
}
