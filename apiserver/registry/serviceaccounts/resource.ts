import { type ServiceAccount, serviceAccounts } from "../../../machinery/api/core-v1.js";
import { ageColumn, ageOf, nameColumn, textColumn } from "../printing.js";
import { type ServedResource, serve } from "../serve.js";

export const serviceAccountResource = (): ServedResource<ServiceAccount> =>
  serve(serviceAccounts, {
    strategy: { returnDeletedObject: true },
    columns: [
      nameColumn,
      textColumn("Secrets", "Number of secrets that pods running under this account may use."),
      ageColumn,
    ],
    row: (account, nowMs) => [account.metadata.name, account.secrets?.length ?? 0, ageOf(account, nowMs)],
  });
