// Plotly, fetched once per page from the server's own installation.

let loading;

export function loadPlotly() {
  if (window.Plotly) return Promise.resolve(window.Plotly);
  loading ??= fetchScript(new URL("plotly.min.js", import.meta.url));
  return loading;
}

function fetchScript(address) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => {
      loading = undefined; // the next chart or the next change tries again
      reject(new Error("the drawing library did not arrive from the server. Reload the page to try again."));
    };
    document.head.append(script);
  });
}
