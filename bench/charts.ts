/** Charts as SVG: one bar a row, with the median and the spread of its rounds. */
import * as echarts from 'echarts'
import type { CustomSeriesRenderItemAPI } from 'echarts/types/dist/shared'
import { median, type Result, shown } from './figures.js'

const WIDTH = 760
const ROW = 44
const AROUND = 110
const COLOURS = { lull: '#2563eb', other: '#94a3b8', spread: '#0f172a' }

export function chartOf({ title, rows, draw, columns }: Result): string {
  const drawn = rows.map(({ name, figures }) => ({ name, values: figures[draw.key] ?? [] })).reverse()
  const digits = columns.find(({ key }) => key === draw.key)?.digits ?? 0
  // A logarithmic axis has no zero: smaller values are drawn as this one.
  const least = draw.log ? 0.1 : 0
  const bound = (value: number) => Math.max(least, value)
  const chart = echarts.init(null, null, {
    renderer: 'svg',
    ssr: true,
    width: WIDTH,
    height: AROUND + ROW * drawn.length,
  })
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    title: { text: title, left: 12, top: 8, textStyle: { fontSize: 15, fontFamily: 'sans-serif' } },
    grid: { left: 220, right: 90, top: 48, bottom: 48 },
    xAxis: {
      type: draw.log ? 'log' : 'value',
      name: draw.unit,
      nameLocation: 'middle',
      nameGap: 28,
      ...(draw.log ? { min: least } : {}),
    },
    yAxis: { type: 'category', data: drawn.map(({ name }) => name), axisTick: { show: false } },
    series: [
      {
        type: 'bar',
        barWidth: 22,
        data: drawn.map(({ name, values }) => ({
          value: bound(median(values)),
          itemStyle: {
            color: name.startsWith('Lull') || /open|processor|a second/.test(name) ? COLOURS.lull : COLOURS.other,
          },
          label: { show: true, position: 'right', distance: 10, formatter: shown(median(values), digits) },
        })),
      },
      {
        type: 'custom',
        data: drawn.map(({ values }, i) => [i, bound(Math.min(...values)), bound(Math.max(...values))]),
        encode: { x: [1, 2], y: 0 },
        renderItem: spread,
      },
    ],
  })
  const svg = chart.renderToSVGString()
  chart.dispose()
  return svg
}

/** A line from the minimum to the maximum of a row's rounds. */
function spread(_params: unknown, api: CustomSeriesRenderItemAPI) {
  const [x1 = 0, y = 0] = api.coord([api.value(1), api.value(0)])
  const [x2 = 0] = api.coord([api.value(2), api.value(0)])
  return { type: 'line' as const, shape: { x1, y1: y, x2, y2: y }, style: { stroke: COLOURS.spread, lineWidth: 2 } }
}
