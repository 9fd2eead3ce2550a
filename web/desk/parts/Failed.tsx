import { Button, Empty } from "antd";
import { useWords } from "../words";

/** What stands where something could not be loaded. */
export function Failed({ again, text }: { again: () => void; text?: string }) {
  const words = useWords();
  return (
    <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={text ?? words.common.failed} className="page-pad">
      <Button onClick={again}>{words.common.retry}</Button>
    </Empty>
  );
}
