const TYPES: Readonly<Record<string, string>> = {
  html: "text/html",
  htm: "text/html",
  css: "text/css",
  txt: "text/plain",
  xml: "text/xml",
  js: "application/javascript",
  json: "application/json",
  gif: "image/gif",
  jpeg: "image/jpeg",
  jpg: "image/jpeg",
  png: "image/png",
  ico: "image/x-icon",
  svg: "image/svg+xml",
  pdf: "application/pdf",
  zip: "application/zip",
  wasm: "application/wasm",
};

/** By a file name's ending, as in nginx's mime.types. */
export const mediaTypeOf = (path: string): string =>
  TYPES[path.slice(path.lastIndexOf(".") + 1).toLowerCase()] ?? "application/octet-stream";
