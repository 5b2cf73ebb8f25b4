import type { KubeObject } from "./meta-v1.js";

/** Body of `serviceaccounts/NAME/token`. */
export interface TokenRequest extends KubeObject {
  spec: {
    audiences?: string[];
    expirationSeconds?: number;
    boundObjectRef?: { kind?: string; apiVersion?: string; name?: string; uid?: string };
  };
  status: { token: string; expirationTimestamp: string };
}
