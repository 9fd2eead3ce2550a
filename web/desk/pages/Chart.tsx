import { BarChart, LineChart } from "echarts/charts";
import { AriaComponent, GridComponent, LegendComponent, TooltipComponent } from "echarts/components";
import { init, use, type EChartsCoreOption } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { useEffect, useRef } from "react";

use([BarChart, LineChart, GridComponent, LegendComponent, TooltipComponent, AriaComponent, CanvasRenderer]);

const styleOf = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** The colours of the page, so that a chart belongs to it in both looks. */
export const colours = () => ({ text: styleOf("--text-2"), line: styleOf("--line"), first: styleOf("--chart-1"), second: styleOf("--chart-2"), third: styleOf("--chart-3"), fourth: styleOf("--chart-4"), ground: styleOf("--surface") });
export type Colours = ReturnType<typeof colours>;

interface Props {
  label: string;
  height?: number;
  option: (colours: Colours) => EChartsCoreOption;
}

/** Draws one chart on a canvas; its figures stand in a table or list beside it for who cannot see it. */
export function Chart({ label, height = 240, option }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const latest = useRef(option);
  latest.current = option;
  useEffect(() => {
    if (!box.current) return;
    const chart = init(box.current, undefined, { renderer: "canvas" });
    const draw = () => {
      const found = colours();
      chart.setOption(
        {
          textStyle: { fontFamily: styleOf("--font") || "sans-serif", color: found.text },
          grid: { left: 8, right: 12, top: 32, bottom: 4, containLabel: true },
          // Tooltips are drawn too: HTML ones would carry inline styles, which the page's policy refuses.
          tooltip: { trigger: "axis", renderMode: "richText", backgroundColor: found.ground, borderColor: found.line, textStyle: { color: found.text } },
          aria: { enabled: false },
          animationDuration: 250,
          ...latest.current(found),
        },
        true,
      );
    };
    draw();
    const size = new ResizeObserver(() => chart.resize());
    size.observe(box.current);
    const look = new MutationObserver(draw);
    look.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    return () => {
      size.disconnect();
      look.disconnect();
      chart.dispose();
    };
  }, [option]);
  return <div ref={box} className="chart" style={{ height }} role="img" aria-label={label} />;
}

export const axis = (found: Colours) => ({ axisLine: { lineStyle: { color: found.line } }, axisTick: { show: false }, axisLabel: { color: found.text }, splitLine: { lineStyle: { color: found.line } } });
