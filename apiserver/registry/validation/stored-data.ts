/** What a ConfigMap or a Secret may hold in all. */
export const MAX_STORED_BYTES = 1024 * 1024;

/** Length of what a base64 text decodes to. */
export const base64Bytes = (text: string): number => {
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  return Math.max(0, Math.floor((text.length * 3) / 4) - padding);
};
