import { MessageOutlined } from "@ant-design/icons";
import { useQuery } from "@tanstack/react-query";
import { Empty } from "antd";
import { api } from "../api";
import { useWords } from "../words";
import { ChatList } from "./ChatList";
import { Talk } from "./Talk";

/** The lists on the left, the open talk beside them. */
export function ChatsPage({ id }: { id: string | null }) {
  const words = useWords();
  // Read once so that colleagues have names wherever one is named.
  useQuery({ queryKey: ["agents"], queryFn: api.agents });
  return (
    <div className="chats">
      <ChatList open={id} />
      {id ? (
        <Talk key={id} id={id} />
      ) : (
        <section className="nothing" aria-label={words.pickChat}>
          <Empty image={<MessageOutlined className="nothing-icon" />} description={<><h1>{words.pickChat}</h1><p>{words.pickChatHint}</p></>} />
        </section>
      )}
    </div>
  );
}
