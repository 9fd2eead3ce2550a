import { useQuery } from "@tanstack/react-query";
import { Select } from "antd";
import { api } from "../api";
import type { Label } from "../types";
import { said, useLanguage, useWords } from "../words";

/** A searchable list of everything the assistant can understand, and "new". */
export function LabelPick({ pick, placeholder, value }: { pick: (label: string) => void; placeholder: string; value?: string | null }) {
  const words = useWords();
  const language = useLanguage();
  const labels = useQuery({ queryKey: ["labels"], queryFn: api.labels, staleTime: 600_000 });
  const groups = ["operation", "faq", "safety", "conversation"] as Label["group"][];
  const options = [
    { label: words.review.new, value: "new" },
    ...groups.map((group) => ({
      label: words.review.groups[group],
      title: group,
      options: (labels.data ?? []).filter((one) => one.group === group).map((one) => ({ value: one.name, label: said(one.title, language, one.name) })),
    })),
  ];
  return (
    <Select
      className="label-pick"
      size="small"
      showSearch={{ filterOption: (text, option) => `${String(option?.label)} ${String((option as { value?: string }).value ?? "")}`.toLowerCase().includes(text.toLowerCase()) }}
      aria-label={placeholder}
      placeholder={placeholder}
      value={value ?? undefined}
      loading={labels.isPending}
      options={options}
      onChange={(label: string) => pick(label)}
    />
  );
}
