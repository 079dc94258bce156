/** Certificates made for one test, where those of certificate.ts will not do: of a name, for a time, of their own key. */
import { generate } from "selfsigned";

export interface MadePair {
  readonly cert: string;
  readonly key: string;
}

export interface MakeOptions {
  readonly from?: Date;
  readonly to?: Date;
}

/** Self-signed, for 127.0.0.1 and localhost; clients see `name` as its subject. Valid from 2020 to 2120 unless the options say otherwise. */
export async function makePair(name: string, { from, to }: MakeOptions = {}): Promise<MadePair> {
  const { cert, private: key } = await generate([{ name: "commonName", value: name }], {
    keyType: "ec",
    algorithm: "sha256",
    notBeforeDate: from ?? new Date("2020-01-01"),
    notAfterDate: to ?? new Date("2120-01-01"),
    extensions: [
      { name: "basicConstraints", cA: true },
      {
        name: "subjectAltName",
        altNames: [
          { type: 2, value: "localhost" },
          { type: 7, ip: "127.0.0.1" },
        ],
      },
    ],
  });
  return { cert, key };
}
