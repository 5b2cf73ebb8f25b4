import { type ServiceAccount, serviceAccounts } from "../../../machinery/api/core-v1.js";
import { ageColumn, ageOf, nameColumn, textColumn } from "../printing.js";
import type { TokenIssuer } from "../../auth/service-account-tokens.js";
import { type ServedResource, serve } from "../serve.js";
import { serviceAccountToken } from "./token.js";

/** ServiceAccounts; `tokens` signs what their token subresource gives out. */
export const serviceAccountResource = (tokens: TokenIssuer | undefined): ServedResource<ServiceAccount> =>
  serve(serviceAccounts, {
    strategy: { returnDeletedObject: true },
    subresources: { token: serviceAccountToken(tokens) },
    columns: [
      nameColumn,
      textColumn("Secrets", "Number of secrets that pods running under this account may use."),
      ageColumn,
    ],
    row: (account, nowMs) => [account.metadata.name, account.secrets?.length ?? 0, ageOf(account, nowMs)],
  });
