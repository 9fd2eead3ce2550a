"""What runs inside Rasa's process: understanding (this package's pipeline components) and the gateway's channel."""

import warnings

from brain.threads import pin

pin()

# Rasa's validator knows only its own selector and extractors and warns at each training that FAQ examples and entities would go unused;
# brain.classifier and brain.entities are what use them.
warnings.filterwarnings("ignore", message="(?s).*response selector, but your NLU configuration does not include.*")
warnings.filterwarnings("ignore", message="(?s).*does not include an entity extractor.*")
