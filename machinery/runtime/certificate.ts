import { createHash, createPublicKey, type KeyObject, sign } from "node:crypto";
import { readIp } from "../api/ip-address.js";
import { der, derBitString, derInteger, derOid, derText, derTime } from "./der.js";

// An encoder of the few kinds of certificate that a cluster needs: a general library costs 200 ms to load, a sixth of
// the time in which a cluster should be up.

export interface CertificateRequest {
  commonName: string;
  organizations?: readonly string[];
  /** DNS names and IP addresses that a server may be called by. */
  names?: readonly string[];
  usages: readonly ("client" | "server")[];
  publicKey: KeyObject;
}

export interface Issuer {
  commonName: string;
  organizations?: readonly string[];
  privateKey: KeyObject;
}

export interface Validity {
  serial: Uint8Array;
  notBeforeMs: number;
  notAfterMs: number;
}

const OIDS = {
  ecdsaWithSha256: "1.2.840.10045.4.3.2",
  commonName: "2.5.4.3",
  organization: "2.5.4.10",
  subjectKeyIdentifier: "2.5.29.14",
  keyUsage: "2.5.29.15",
  subjectAlternativeName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  authorityKeyIdentifier: "2.5.29.35",
  extendedKeyUsage: "2.5.29.37",
  server: "1.3.6.1.5.5.7.3.1",
  client: "1.3.6.1.5.5.7.3.2",
} as const;

const SEQUENCE = 0x30;
const SET = 0x31;
const OCTET_STRING = 0x04;
const BOOLEAN_TRUE = der(0x01, Buffer.from([0xff]));
const SIGNATURE_ALGORITHM = der(SEQUENCE, derOid(OIDS.ecdsaWithSha256));

/** A certificate for `request`, signed by `issuer` (an EC P-256 key), as PEM. */
export function issueCertificate(request: CertificateRequest, issuer: Issuer, validity: Validity): string {
  const extensions = [
    extension(OIDS.basicConstraints, true, der(SEQUENCE)),
    // digitalSignature
    extension(OIDS.keyUsage, true, derBitString(Buffer.from([0x80]), 7)),
    extension(
      OIDS.extendedKeyUsage,
      false,
      der(SEQUENCE, ...request.usages.map((usage) => derOid(OIDS[usage]))),
    ),
    extension(OIDS.authorityKeyIdentifier, false, der(SEQUENCE, der(0x80, keyIdOf(issuer.privateKey)))),
    ...(request.names?.length ? [subjectAlternativeName(request.names)] : []),
  ];
  return signed(request, issuer, validity, extensions);
}

/** The self-signed certificate of an authority, as PEM. */
export function issueAuthority(issuer: Issuer, validity: Validity): string {
  const publicKey = createPublicKey(issuer.privateKey);
  const extensions = [
    extension(OIDS.basicConstraints, true, der(SEQUENCE, BOOLEAN_TRUE)),
    // digitalSignature, keyEncipherment, keyCertSign
    extension(OIDS.keyUsage, true, derBitString(Buffer.from([0xa4]), 2)),
    extension(OIDS.subjectKeyIdentifier, false, der(OCTET_STRING, keyIdOf(issuer.privateKey))),
    subjectAlternativeName([issuer.commonName]),
  ];
  return signed({ commonName: issuer.commonName, publicKey }, issuer, validity, extensions);
}

function signed(
  subject: Pick<CertificateRequest, "commonName" | "organizations" | "publicKey">,
  issuer: Issuer,
  validity: Validity,
  extensions: readonly Buffer[],
): string {
  const body = der(
    SEQUENCE,
    der(0xa0, derInteger(Buffer.from([2]))),
    derInteger(validity.serial),
    SIGNATURE_ALGORITHM,
    distinguishedName(issuer.commonName, issuer.organizations),
    der(SEQUENCE, derTime(validity.notBeforeMs), derTime(validity.notAfterMs)),
    distinguishedName(subject.commonName, subject.organizations),
    subject.publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, der(SEQUENCE, ...extensions)),
  );
  const signature = sign("sha256", body, issuer.privateKey);
  const base64 = der(SEQUENCE, body, SIGNATURE_ALGORITHM, derBitString(signature, 0)).toString("base64");
  return `-----BEGIN CERTIFICATE-----\n${base64.replace(/.{1,64}/g, "$&\n")}-----END CERTIFICATE-----\n`;
}

function distinguishedName(commonName: string, organizations: readonly string[] = []): Buffer {
  const part = (oid: string, text: string): Buffer => der(SET, der(SEQUENCE, derOid(oid), derText(text)));
  return der(
    SEQUENCE,
    ...organizations.map((organization) => part(OIDS.organization, organization)),
    part(OIDS.commonName, commonName),
  );
}

const extension = (oid: string, critical: boolean, value: Buffer): Buffer =>
  der(SEQUENCE, derOid(oid), ...(critical ? [BOOLEAN_TRUE] : []), der(OCTET_STRING, value));

const subjectAlternativeName = (names: readonly string[]): Buffer =>
  extension(
    OIDS.subjectAlternativeName,
    false,
    der(
      SEQUENCE,
      ...names.map((name) => {
        const bytes = addressBytes(name);
        return bytes ? der(0x87, bytes) : der(0x82, Buffer.from(name, "latin1"));
      }),
    ),
  );

function addressBytes(name: string): Buffer | undefined {
  const ip = readIp(name);
  return ip && Buffer.from(ip.value.toString(16).padStart(ip.family === "IPv4" ? 8 : 32, "0"), "hex");
}

const keyIdOf = (privateKey: KeyObject): Buffer =>
  createHash("sha1")
    .update(createPublicKey(privateKey).export({ type: "spki", format: "der" }))
    .digest();
