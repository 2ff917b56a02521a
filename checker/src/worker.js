// The end of the worker's script, after what wasm-bindgen makes. A message that arrives before the wasm is there waits
// for it, and whatever breaks is told: an error in a promise would not reach the page by itself.
const started = wasm_bindgen({ module_or_path: "WASM_FILE" });
self.onmessage = ({ data: [file, limits] }) => {
  started
    .then(() => wasm_bindgen.check(file, limits))
    .catch((error) => self.postMessage(JSON.stringify({ failed: { broken: String(error) } })));
};
