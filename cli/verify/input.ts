import { readBody } from "../../machinery/api/http.js";
import { CannotRun } from "../../chaos/cannot-run.js";
import { containersOf, findSubjects, type Given, type Subject } from "../../chaos/verify/subject.js";
import { images } from "../../kubelet-sim/images/images.js";
import { parseImageReference } from "../../kubelet-sim/images/image.js";
import type { CliContext } from "../command.js";
import { type ManifestDocument, parseManifest, readManifests } from "../manifests.js";
import { resourceFor } from "../resource-for.js";

/** What was given, and what of it a simulated cluster has no use for. */
export interface Input {
  subjects: Subject[];
  leftOut: string[];
}

/** Reads files, folders and standard input (`-`). Throws UserError or CannotRun, which say what is wrong. */
export async function readInput(
  paths: readonly string[],
  { service, recursive }: { service?: string | undefined; recursive: boolean },
  context: CliContext,
): Promise<Input> {
  const documents: ManifestDocument[] = [];
  for (const path of paths) {
    if (path === "-") documents.push(...parseManifest(await textOf(context.stdin), "standard input"));
    else documents.push(...readManifests([path], recursive));
  }
  const objects = documents.map(({ object }) => object as Given);
  for (const { object, source } of documents)
    if (!object.metadata?.name) throw new CannotRun(`${source}: a ${object.kind} has no metadata.name`);
  const usable = objects.filter((object) => resourceFor(object) !== undefined);
  const leftOut = objects
    .filter((object) => resourceFor(object) === undefined)
    .map(({ apiVersion, kind, metadata }) => `${kind} ${metadata.name} (${apiVersion})`);
  const subjects = findSubjects(usable, service);
  for (const subject of subjects) checkImages(subject);
  return { subjects, leftOut };
}

const textOf = async (stdin: CliContext["stdin"]): Promise<string> =>
  Buffer.from(await readBody(stdin as AsyncIterable<Uint8Array>)).toString("utf8");

/** Images are emulated programs: what nobody has emulated cannot run. */
function checkImages({ deployment, name }: Subject): void {
  for (const { image = "", name: container } of containersOf(deployment)) {
    const reference = parseImageReference(image);
    const known = images.some(({ repositories }) => repositories.includes(reference?.repository ?? ""));
    if (known) continue;
    throw new CannotRun(
      `Deployment "${name}": nobody emulates the image "${image}" of container "${container ?? ""}". ` +
        `Put one of these in its place that listens, stops and answers as yours does: ${names()}`,
    );
  }
}

/** As people write them. */
const names = (): string =>
  images
    .map(({ repositories: [first = ""] }) => first.replace(/^docker\.io\/(library\/)?/, ""))
    .filter((name) => !/^(kubesim\.dev|registry\.k8s\.io\/(pause|coredns))/.test(name))
    .join(", ");
