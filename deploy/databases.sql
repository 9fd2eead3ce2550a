-- Made at the first start of the database, beside the gateway's own.
CREATE DATABASE jiebang_binding OWNER jiebang;
CREATE DATABASE jiebang_rasa OWNER jiebang;
