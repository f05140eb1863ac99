/**
 * The ports that operators open and close: services of the Internet's daily use, their encrypted forms, and what
 * administration, mail, databases, monitoring and tunnels use (IANA's registry of service names).
 */
export const OPERATORS_PORTS: readonly number[] = [
  20, 21, 22, 23, 25, 37, 43, 49, 53, 67, 68, 69, 70, 79, 80, 88, 110, 111, 113, 119, 123, 135, 137, 138, 139, 143, 161,
  162, 179, 194, 389, 427, 443, 445, 464, 465, 500, 514, 515, 543, 546, 547, 548, 554, 563, 587, 623, 631, 636, 646,
  853, 873, 902, 989, 990, 993, 995, 1080, 1194, 1433, 1521, 1701, 1723, 1812, 1813, 1883, 1935, 2049, 2083, 2222, 2375,
  2376, 2379, 3000, 3128, 3268, 3306, 3389, 3478, 4500, 5000, 5060, 5061, 5222, 5432, 5671, 5672, 5900, 5938, 6379,
  6443, 8000, 8080, 8443, 8883, 9000, 9090, 9100, 9200, 51820,
];
