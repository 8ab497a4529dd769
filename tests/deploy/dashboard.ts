// What Grafana's own schema says that a dashboard is. It leaves the options of a
// panel and its queries open; here they are those of the panels in use.

import type {
  Dashboard, FieldConfig, FieldConfigSource, Panel, RowPanel,
} from "@grafana/schema/dist/esm/raw/dashboard/x/Dashboard_types.gen";
import type { DataQuery, DataSourceRef } from "@grafana/schema";
import type * as barGauge from "@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen";
import type * as stat from "@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen";
import type * as table from "@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen";
import type * as timeSeries from "@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen";

// JSON has the values of the enumerations, not their names.
type Json<T> =
  T extends string ? `${T}` :
  T extends (infer Element)[] ? Json<Element>[] :
  T extends object ? { [Key in keyof T]: Json<T[Key]> } : T;

interface Query extends DataQuery {
  datasource: DataSourceRef;
  editorMode?: "code" | "builder";
  expr: string;
  format?: "time_series" | "table" | "heatmap";
  instant?: boolean;
  interval?: string;
  legendFormat?: string;
  range?: boolean;
}

interface PanelOf<Type, Options, Custom> extends
  Omit<Panel, "type" | "options" | "fieldConfig" | "targets"> {
  type: Type;
  options: Options;
  fieldConfig: {
    defaults: Omit<FieldConfig, "custom"> & { custom?: Custom };
    overrides: FieldConfigSource["overrides"];
  };
  targets: Query[];
}

type AnyPanel =
  | PanelOf<"bargauge", barGauge.Options, never>
  | PanelOf<"stat", stat.Options, never>
  | PanelOf<"table", table.Options, table.FieldConfig>
  | PanelOf<"timeseries", timeSeries.Options, timeSeries.FieldConfig>
  | RowPanel;

// An export says beside the dashboard what it needs.
interface Requirement {
  type: "grafana" | "datasource" | "panel";
  id: string;
  name: string;
  version: string;
}

export type Exported = Json<Omit<Dashboard, "panels"> & {
  panels: AnyPanel[];
  __requires: Requirement[];
}>;
