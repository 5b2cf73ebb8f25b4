/** Pods that send a scenario's requests; its value is the client's name. */
export const TRAFFIC_LABEL = "kubesim.dev/traffic";
