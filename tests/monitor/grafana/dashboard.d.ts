// A dashboard as JSON, by Grafana's own types: enums by their values, every panel with the options of its own kind.
import type {
  AnnotationQuery, Dashboard, DataQuery, FieldConfig, FieldConfigSource, Panel, RowPanel, VariableModel,
} from "@grafana/schema";
import type * as Stat from "@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen";
import type * as States from "@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen";
import type * as Words from "@grafana/schema/dist/esm/raw/composable/text/panelcfg/x/TextPanelCfg_types.gen";
import type * as Lines from "@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen";

// JSON has an enum's value where TypeScript has its member.
type Json<T> =
  T extends string ? (string extends T ? T : `${T}`)
  : T extends number ? (number extends T ? T : `${T}` extends `${infer N extends number}` ? N : never)
  : T extends boolean | null | undefined ? T
  : T extends Array<infer Each> ? Array<Json<Each>>
  : unknown extends T ? T
  : { [Key in keyof T]: Json<T[Key]> };

// The query of Grafana's Prometheus data source, which is not part of the package.
interface PromQuery extends DataQuery {
  editorMode?: "code" | "builder";
  expr: string;
  instant?: boolean;
  interval?: string;
  legendFormat?: string;
  range?: boolean;
}
interface PromMarks extends AnnotationQuery<PromQuery> {
  tagKeys?: string;
  titleFormat?: string;
}
interface PromVariable extends Omit<VariableModel, "query"> {
  query: string | { query: string; qryType: number; refId: string };
}

type Fields<Custom> = Omit<FieldConfigSource, "defaults"> & {
  defaults: Omit<FieldConfig, "custom"> & { custom: Custom };
};
type Shown<Kind, Options, Custom> = Omit<Panel, "type" | "options" | "fieldConfig" | "targets"> & {
  type: Kind;
  options: Options;
  fieldConfig: Fields<Custom>;
  targets: PromQuery[];
};
type Text = Omit<Panel, "type" | "options" | "fieldConfig" | "targets"> & { type: "text"; options: Words.Options };

type Any =
  | Shown<"timeseries", Lines.Options, Lines.FieldConfig>
  | Shown<"stat", Stat.Options, Record<string, never>>
  | Shown<"state-timeline", States.Options, States.FieldConfig>
  | Text
  | RowPanel;

export type Board = Json<
  Omit<Dashboard, "annotations" | "panels" | "templating"> & {
    annotations: { list: PromMarks[] };
    panels: Any[];
    templating: { list: PromVariable[] };
  }
>;
