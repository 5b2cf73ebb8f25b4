/** CoreDNS's request and response counters in Prometheus' text form. */
export class CorednsMetrics {
  readonly #requests = new Map<string, number>();
  readonly #responses = new Map<string, number>();

  count(type: string, rcode: string): void {
    this.#requests.set(type, (this.#requests.get(type) ?? 0) + 1);
    this.#responses.set(rcode, (this.#responses.get(rcode) ?? 0) + 1);
  }

  text(): string {
    const common = 'server="dns://:53",zone="."';
    return [
      "# HELP coredns_dns_requests_total Counter of DNS requests made per zone, protocol and family.",
      "# TYPE coredns_dns_requests_total counter",
      ...[...this.#requests].map(
        ([type, count]) =>
          `coredns_dns_requests_total{family="1",proto="udp",${common},type="${type}",view=""} ${count}`,
      ),
      "# HELP coredns_dns_responses_total Counter of response status codes.",
      "# TYPE coredns_dns_responses_total counter",
      ...[...this.#responses].map(
        ([rcode, count]) =>
          `coredns_dns_responses_total{plugin="kubernetes",rcode="${rcode}",${common},view=""} ${count}`,
      ),
      "",
    ].join("\n");
  }
}
