import type { HttpResponse } from "../../machinery/api/http.js";

/** A plain-text answer that ends the request. */
export class Refused extends Error {
  override readonly name = "Refused";
  readonly answer: HttpResponse;

  constructor(status: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.answer = {
      status,
      headers: { "content-type": "text/plain; charset=utf-8", ...headers },
      body: Buffer.from(message),
    };
  }
}
