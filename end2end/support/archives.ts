import { createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip, gunzipSync, gzipSync } from "node:zlib";
import { sampleBytes, tarHeader } from "./samples";

const MEBI = 1 << 20;

/** The sample with a text of its manifest replaced by another of the same length, so that the tar stays right. */
export function changedSample(name: string, from: string, to: string): Buffer {
  if (from.length !== to.length) throw new Error(`${from} and ${to} differ in length`);
  const archive = gunzipSync(sampleBytes(name)).toString("latin1");
  if (!archive.includes(from)) throw new Error(`${name} has no ${from}`);
  return gzipSync(Buffer.from(archive.replaceAll(from, to), "latin1"));
}

/**
 * Writes the sample with a model that cannot be compressed in front of everything else, so that all of it has to be read
 * before the manifest is found. Answers its path, in a folder of its own.
 */
export async function writeModelFirst(name: string, mebibytes: number): Promise<{ path: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "kai-browser-model-"));
  const path = join(folder, `${name}.krt`);
  const chunk = randomBytes(MEBI);
  const files = gunzipSync(sampleBytes(name));
  function* archive() {
    yield tarHeader("a-model.bin", mebibytes * MEBI);
    for (let written = 0; written < mebibytes; written += 1) yield chunk;
    yield files;
  }
  await pipeline(Readable.from(archive()), createGzip({ level: 0 }), createWriteStream(path));
  return { path, remove: () => rm(folder, { recursive: true }) };
}
