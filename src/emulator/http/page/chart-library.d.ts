// What the page takes from the libraries that draw its charts. scripts/build-page.mjs bundles these exports into chart-library.js.
export { default as Chart } from "chart.js/auto";
export { color } from "chart.js/helpers";
export { utcTicks } from "d3-time";
