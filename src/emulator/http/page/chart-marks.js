/** @typedef {import("chart.js").Chart<any, any, any>} Drawing */

/** @param {Drawing} drawing @param {string} type */
const isOf = ({ config }, type) => "type" in config && config.type === type;

/** A vertical line at the x that the tip describes. */
export const cursor = {
  id: "cursor",
  /** @param {Drawing} drawing */
  beforeDatasetsDraw(drawing) {
    const [mark] = drawing.getActiveElements();
    const { ctx, chartArea, options } = drawing;
    if (!mark || !isOf(drawing, "line")) return;
    ctx.save();
    ctx.strokeStyle = options.color;
    ctx.setLineDash([3, 3]);
    ctx.beginPath();
    ctx.moveTo(mark.element.x, chartArea.top);
    ctx.lineTo(mark.element.x, chartArea.bottom);
    ctx.stroke();
    ctx.restore();
  },
};

/** Percentages on the slices of a pie that are wide enough. */
export const shares = {
  id: "shares",
  /** @param {Drawing} drawing @param {unknown} _event @param {{ color?: string }} own */
  afterDatasetsDraw(drawing, _event, { color = "" }) {
    const { ctx, options } = drawing;
    if (!isOf(drawing, "pie")) return;
    ctx.save();
    ctx.font = `600 ${options.font.size}px ${options.font.family}`;
    ctx.fillStyle = color;
    [ctx.textAlign, ctx.textBaseline] = ["center", "middle"];
    for (const slice of drawing.getDatasetMeta(0).data) {
      const { x, y, outerRadius, startAngle, circumference } = /** @type {any} */ (slice);
      const [share, middle, far] = [circumference / (2 * Math.PI), startAngle + circumference / 2, outerRadius * 0.68];
      if (share > 0.05)
        ctx.fillText(`${Math.round(share * 100)}%`, x + Math.cos(middle) * far, y + Math.sin(middle) * far);
    }
    ctx.restore();
  },
};
