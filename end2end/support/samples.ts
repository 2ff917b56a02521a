import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { fromEnvironment } from "./server";

export const RUNTIME = { id: "demo", name: "Demo" };

/** Values for all that the samples want to have configured. */
export const CONFIG = {
  "reviews-v1": { REPLY_SIGNATURE: "Your friends" },
  "reviews-v2": { ALERT_BELOW: "0.3", "topics.json": '{"delivery": ["late", "parcel"]}' },
} as const;

/** The path of a packed folder of end2end/samples. */
export function samplePath(name: string): string {
  return join(fromEnvironment("KAI_SAMPLES"), `${name}.krt`);
}

export function sampleBytes(name: string): Buffer {
  return readFileSync(samplePath(name));
}

/** The sample with a model of random bytes added, so that sending it takes its time. */
export function heavySample(name: string, modelBytes: number): Buffer {
  const archive = gunzipSync(sampleBytes(name));
  const end = 1024; // Two blocks of zeros close a tar; what is written over them and after is read.
  const model = randomBytes(modelBytes);
  const padding = Buffer.alloc((512 - (modelBytes % 512)) % 512);
  const files = archive.subarray(0, archive.length - end);
  return gzipSync(Buffer.concat([files, tarHeader("models/model.bin", modelBytes), model, padding, Buffer.alloc(end)]));
}

/** A KRT file made of these files, by path. */
export function pack(files: Record<string, string>): Buffer {
  const entries = Object.entries(files).flatMap(([path, text]) => {
    const content = Buffer.from(text);
    return [tarHeader(path, content.length), content, Buffer.alloc((512 - (content.length % 512)) % 512)];
  });
  return gzipSync(Buffer.concat([...entries, Buffer.alloc(1024)]));
}

/** Forty nodes in eight stages of five, with short cuts and one way back. */
export function largeSample(version: string): Buffer {
  const name = (stage: number, place: number) => `stage${stage}-part${place}`;
  const nodes = Array.from({ length: 40 }, (_, index) => {
    const [stage, place] = [Math.floor(index / 5), index % 5];
    const listens = stage === 0 ? ["entrypoint"] : [name(stage - 1, place), `${name(stage - 1, (place + 1) % 5)}.done`];
    if (stage > 2 && place === 0) listens.push(name(0, 4));
    if (stage === 2 && place === 2) listens.push(`${name(6, 2)}.again`);
    return [
      `      - name: ${name(stage, place)}`,
      "        image: konstellation/kre-py:latest",
      "        src: src/main.py",
      `        replicas: ${1 + (index % 3)}`,
      `        subscriptions: [${listens.join(", ")}]`,
    ].join("\n");
  });
  const manifest = [
    `version: ${version}\nkrtVersion: v2\ndescription: Forty nodes, as large as they come.`,
    "entrypoint:\n  proto: input.proto\n  image: konstellation/kre-entrypoint:latest",
    "workflows:\n  - name: large\n    entrypoint: Rate\n    exitpoint: stage7-part0\n    nodes:",
    ...nodes,
  ].join("\n");
  return pack({
    "krt.yml": `${manifest}\n`,
    "input.proto": 'syntax = "proto3";\nservice Entrypoint { rpc Rate (R) returns (R) {}; }\nmessage R {}\n',
    "src/main.py": "print('hello')\n",
  });
}

/** The ustar header of a regular file (POSIX.1-1988). */
export function tarHeader(name: string, size: number): Buffer {
  const header = Buffer.alloc(512);
  const octal = (value: number, at: number, length: number) =>
    header.write(value.toString(8).padStart(length - 1, "0") + "\0", at, "ascii");
  header.write(name, 0, "ascii");
  octal(0o644, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(0, 136, 12);
  header.write("0", 156, "ascii");
  header.write("ustar\u000000", 257, "ascii");
  header.fill(" ", 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(sum.toString(8).padStart(6, "0") + "\0 ", 148, "ascii");
  return header;
}
